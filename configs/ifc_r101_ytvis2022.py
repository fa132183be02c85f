_base_ = ['ifc_r101.py', '_base_/datasets/youtube_vis_2022.py']
