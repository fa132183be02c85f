_base_ = ['ifc_r50.py', '_base_/datasets/youtube_vis_2021.py']
