# Frames meet in the head only.
token_neck = []
