"""Make the golden files of VidEoMT and EoMT with Hugging Face's transformers 5.24.0.

    python tests/data/golden/videomt/make.py

Weights are drawn by ../pseudo.py; layer scales near 1, so that every block counts.
"""
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from pseudo import pseudo_masks, pseudo_tensor, save_manifest  # noqa: E402

#: Sizes of the networks; widths, depths and query blocks of S and B, small images.
SIZES = {
    'tiny': dict(hidden_size=32, num_hidden_layers=4, num_attention_heads=2,
                 image_size=64, num_blocks=2, num_queries=7, num_labels=5),
    's': dict(hidden_size=384, num_hidden_layers=12, num_attention_heads=6,
              image_size=96, num_blocks=3, num_queries=11, num_labels=4),
    'b': dict(hidden_size=768, num_hidden_layers=12, num_attention_heads=12,
              image_size=96, num_blocks=3, num_queries=11, num_labels=4),
}
NUM_POINTS = 112


def draw_weights(shapes):
    """Weights by name, for names and shapes of transformers."""
    weights = {}
    for name, shape in shapes.items():
        value = torch.from_numpy(pseudo_tensor(name, shape))
        weights[name] = 1 + 5 * value if name.endswith('lambda1') else value
    return weights


def draw_clips(num_clips, num_frames, size):
    return torch.from_numpy(pseudo_tensor(
        'clips', (num_clips, num_frames, 3, size, size))) * (3 * size**2)**0.5


def draw_targets(size):
    """Masks and labels of two images, of three instances and of two."""
    masks = [torch.from_numpy(pseudo_masks(n, 1, size, size, seed=n)[:, 0])
             for n in (3, 2)]
    return masks, [torch.tensor([0, 4, 2]), torch.tensor([1, 1])]


def build(model_class, config_class, size, attn_mask_prob, **changes):
    model = model_class(config_class(patch_size=16, **SIZES[size], **changes)).eval()
    weights = draw_weights({n: p.shape for n, p in model.named_parameters()})
    model.load_state_dict(weights, strict=False)
    model.attn_mask_probs.fill_(attn_mask_prob)
    return model


def by_clip(frames, num_clips):
    """(T*B, Q, ...), frame by frame, to (B, Q, T, ...)."""
    return frames.unflatten(0, (-1, num_clips)).transpose(0, 1).transpose(1, 2)


@torch.no_grad()
def make_forward(size):
    from transformers import VideomtConfig, VideomtForUniversalSegmentation

    model = build(VideomtForUniversalSegmentation, VideomtConfig, size, 0.0)
    save_manifest(model.state_dict(), HERE / f'{size}_manifest.json')
    outputs = model(draw_clips(2, 7, model.config.image_size))
    step = 1 if size == 'tiny' else 3  # of S and B every third row and column
    np.savez_compressed(
        HERE / f'forward_{size}.npz',
        cls_logits=by_clip(outputs.class_queries_logits, 2),
        mask_logits=by_clip(outputs.masks_queries_logits, 2)[..., ::step, ::step],
    )


@torch.no_grad()
def make_dinov3():
    from transformers import EomtDinov3Config, EomtDinov3ForUniversalSegmentation

    model = build(EomtDinov3ForUniversalSegmentation, EomtDinov3Config, 'tiny', 0.0,
                  intermediate_size=128)
    save_manifest(model.state_dict(), HERE / 'eomt_dinov3_tiny_manifest.json')
    outputs = model(draw_clips(2, 1, model.config.image_size)[:, 0])
    np.savez_compressed(
        HERE / 'forward_eomt_dinov3_tiny.npz',
        cls_logits=outputs.class_queries_logits,
        mask_logits=outputs.masks_queries_logits,
    )


def make_loss(attn_mask_prob):
    from transformers import EomtConfig, EomtForUniversalSegmentation

    model = build(EomtForUniversalSegmentation, EomtConfig, 'tiny', attn_mask_prob,
                  train_num_points=NUM_POINTS).train()
    if attn_mask_prob == 1:
        save_manifest(model.state_dict(), HERE / 'eomt_tiny_manifest.json')
    layers, sum_up = [], model.get_loss

    def keep(losses):
        layers.append({name: float(value) for name, value in losses.items()})
        return sum_up(losses)

    model.get_loss = keep
    masks, labels = draw_targets(model.config.image_size)
    frames = draw_clips(2, 1, model.config.image_size)[:, 0]
    rand = torch.rand
    if attn_mask_prob == 0:
        # Those that switch attention masks off; the points come after them.
        torch.rand = lambda *shape, **kw: rand(*shape, **kw) if len(shape) == 3 \
            else torch.ones(*shape)
    torch.manual_seed(0)
    loss = model(frames, mask_labels=[m.float() for m in masks], class_labels=labels).loss
    torch.rand = rand
    loss.backward()
    arrays = {name: np.array([layer[name] for layer in layers]) for name in layers[0]}
    for name, p in model.named_parameters():
        arrays[f'gradnorm/{name}'] = p.grad.norm().numpy()
    return arrays


def main():
    for size in SIZES:
        make_forward(size)
    make_dinov3()
    for prob in (0, 1):
        np.savez_compressed(HERE / f'loss_tiny_{prob}.npz', **make_loss(prob))


if __name__ == '__main__':
    main()
