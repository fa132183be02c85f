# Only the head mixes the frames of a clip.
token_neck = []
