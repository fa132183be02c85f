"""Convert checkpoints of VidEoMT and EoMT to mmvis and back, and DINOv2 to mmvis."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import ConfigDict

from mmvis import converters
from mmvis.engine.command_line import ConverterArgumentParser
from mmvis.errors import UserValueError
from mmvis.zoo import find_config

EXAMPLES = """examples:
  # the authors' checkpoint, or that of transformers (model.safetensors)
  mmvis convert videomt yt_2019_vit_small_52.8.pth \\
      videomt_s.pth
  mmvis test configs/videomt_vit-s.py videomt_s.pth

  # back: to .pth by the authors' names, to .safetensors by those of transformers
  mmvis convert videomt --reverse iter_40000.pth \\
      model.safetensors

  # DINOv2 with registers, where a training of EoMT starts
  mmvis convert videomt dinov2_vits14_reg4_pretrain.pth \\
      dinov2_s.pth --config configs/eomt_vit-s_coco.py
"""
LETTERS = {384: 's', 768: 'b', 1024: 'l'}


def parse_args(args: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = ConverterArgumentParser(
        __doc__,
        examples=EXAMPLES,
        src_help='published checkpoint',
        default_config='by the width of its ViT, and whether it is EoMT',
    )
    return parser.parse_args(args)


def main(args: Sequence[str] | None = None) -> None:
    """Convert one file.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    options = parse_args(args)

    from mmvis.converters.convert_file import convert_file

    if options.reverse:
        form = (
            'transformers' if Path(options.dst).suffix == '.safetensors' else 'authors'
        )
        convert_file(
            options.src,
            options.dst,
            lambda weights: converters.export_videomt(weights, form),
            key='model',
        )
    else:
        convert_file(
            options.src, options.dst, lambda tensors: convert(tensors, options.config)
        )


def convert(tensors: dict, config: str | None) -> dict:
    """Turn a checkpoint into the weights of a model, or those that are pretrained."""
    if converters.is_dinov2(tensors):
        width = len(tensors['patch_embed.proj.weight'])
        model_cfg = converters.load_model_cfg(
            config or config_for(width, is_video=False)
        )
        return converters.convert_dinov2(tensors, converters.initial_weights(model_cfg))
    model_cfg = load_fitting_cfg(converters.videomt_sizes_of(tensors), config)
    return converters.convert_videomt(tensors, converters.initial_weights(model_cfg))


def load_fitting_cfg(sizes: dict, config: str | None) -> ConfigDict:
    """Config of the model that the weights are for; prints the options it needs."""
    is_video = sizes['propagation'] is not None
    model_cfg = converters.load_model_cfg(
        config or config_for(sizes['embed_dims'], is_video)
    )
    # Training and testing find the number of classes in their config: it is that of
    # the data.
    model_cfg.head.num_classes = sizes['num_classes']
    model_cfg.head.propagation = sizes['propagation']
    changes = []
    if sizes['position'] == 'rotary':
        for part in ('backbone', 'head'):
            model_cfg[part].position = 'rotary'
            model_cfg[part].layer.key_bias = sizes['key_bias']
            changes.append(f'model.{part}.position=rotary')
            changes.append(f'model.{part}.layer.key_bias={sizes["key_bias"]}')
    for part, key, size in (
        ('backbone', 'num_blocks', 'num_frame_blocks'),
        ('backbone', 'num_registers', 'num_registers'),
        ('backbone', 'patch_size', 'patch_size'),
        ('backbone', 'img_size', 'img_size'),
        ('head', 'num_blocks', 'num_query_blocks'),
        ('head', 'num_queries', 'num_queries'),
        ('head', 'num_upscale_steps', 'num_upscale_steps'),
    ):
        if sizes[size] is None:
            continue  # without position embeddings the size of images is no matter
        if model_cfg[part].get(key) not in (None, sizes[size]):
            changes.append(f'model.{part}.{key}={sizes[size]}')
        model_cfg[part][key] = sizes[size]
    if changes:
        print(
            'These weights have other sizes than the config. Train and test with\n'
            f'    --cfg-options {" ".join(changes)}'
        )
    return model_cfg


def config_for(width: int, is_video: bool) -> Path:
    """The config of a ViT's width."""
    if width not in LETTERS:
        raise UserValueError(
            f'The checkpoint has a ViT of width {width}, and only widths of '
            f'{list(LETTERS)} have a config. Give one of your own with --config.'
        )
    name = 'videomt_vit-{}' if is_video else 'eomt_vit-{}_coco'
    return find_config(name.format(LETTERS[width]))
