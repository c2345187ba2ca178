"""PyTorch's half of tools/bench/gpu: f16 products and the encoder of Whisper large-v3-turbo's shape
with random weights, eagerly with fused attention. Prints CSV lines: what, microseconds of the GPU,
microseconds by the wall clock. `gpu_torch.py ROUNDS gemm M,N,K ...` or `... encoder BATCH ...`."""

import statistics
import sys
import time

import torch

CALLS = 20  # timed together by the wall clock
torch.set_grad_enabled(False)


def times(call, rounds, calls):
    """Medians: of one call between two events of the GPU, of `calls` calls by the wall clock."""
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    gpu, wall = [], []
    for _ in range(rounds):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        call()
        end.record()
        torch.cuda.synchronize()
        gpu.append(1e3 * begin.elapsed_time(end))
        start = time.perf_counter()
        for _ in range(calls):
            call()
        torch.cuda.synchronize()
        wall.append(1e6 * (time.perf_counter() - start) / calls)
    return statistics.median(gpu), statistics.median(wall)


def gemm(rounds, shape):
    """y[M,N] = x[M,K] w[N,K]^T, as a linear layer computes it."""
    m, n, k = (int(x) for x in shape.split(","))
    x = torch.randn(m, k, device="cuda", dtype=torch.float16)
    w = torch.randn(n, k, device="cuda", dtype=torch.float16)
    print("%s,%.1f,%.1f" % (shape.replace(",", "x"), *times(lambda: x @ w.t(), rounds, CALLS)),
          flush=True)


def encoder(rounds, batches):
    """Microseconds of a whole batch."""
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder
    config = WhisperConfig(vocab_size=51866, num_mel_bins=128, d_model=1280, encoder_layers=32,
                           encoder_attention_heads=20, encoder_ffn_dim=5120,
                           attn_implementation="sdpa")
    with torch.device("cuda"):
        model = WhisperEncoder(config).half().eval()
    for batch in batches:
        x = torch.randn(int(batch), 128, 3000, device="cuda", dtype=torch.float16)
        print("%s,%.1f,%.1f" % (batch, *times(lambda x=x: model(x), rounds, 1)), flush=True)


def main():
    rounds, what, *which = sys.argv[1:]
    if what == "encoder":
        encoder(int(rounds), which)
    else:
        for shape in which:
            gemm(int(rounds), shape)


main()
