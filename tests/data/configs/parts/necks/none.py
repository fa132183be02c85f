_base_ = '../../../../../configs/_base_/necks/no_tokens.py'
