_base_ = ['_base_/models/ifc_r50.py']
