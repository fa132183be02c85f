_base_ = 'pvtv2.py'
# A stage of one block does not shift.
backbone = dict(type='MsgShifT', num_layers=(2, 1, 1, 1), num_messenger_tokens=4)
