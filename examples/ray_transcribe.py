"""ray_transcribe.py - many recordings over the machines of a Ray cluster, or the cores of one.

    python ray_transcribe.py --workers 2 --threads 1 RECORDING... > words.tsv

Each worker is a process with a model of its own; recordings go to the one that is free. A line of
output is "name<TAB>text", in the order of the arguments. A recording that fails is named on
standard error and stops nothing; a worker that dies is started again and its recording tried once
more.

Wants attend's wheel, and `pip install ray`. See docs/scale.md.
"""
import argparse
import os
import sys

import ray
from ray.util import ActorPool


class Transcriber:
    def __init__(self, model, device, threads):
        import attend  # on the machine where the work is done

        self.model = attend.WhisperModel(model, device=device, cpu_threads=threads)

    def transcribe(self, path):
        """(path, text, what went wrong)"""
        try:
            segments, _ = self.model.transcribe(path, language="en")
            return path, "".join(segment.text for segment in segments).strip(), None
        except Exception as error:  # of this recording, not of the others
            return path, None, str(error)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("recordings", nargs="+", help="paths that every machine can read")
    parser.add_argument("--model", default="base")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="of each worker")
    parser.add_argument("--gpus", type=float, default=0, help="of each worker; or a part of one")
    args = parser.parse_args()

    words, sys.stdout = sys.stdout, sys.stderr  # Ray prints what it has to say
    ray.init(log_to_driver=False)  # RAY_ADDRESS names a cluster; without it, this machine is one
    worker = ray.remote(num_cpus=args.threads, num_gpus=args.gpus, max_restarts=3,
                        max_task_retries=1)(Transcriber)
    pool = ActorPool([worker.remote(args.model, args.device, args.threads)
                      for _ in range(args.workers)])
    failed = 0
    for path, text, error in pool.map(lambda actor, path: actor.transcribe.remote(path),
                                      [os.path.abspath(path) for path in args.recordings]):
        if error is None:
            print(os.path.basename(path), text, sep="\t", file=words, flush=True)
        else:
            failed += 1
            print(f"{path}: {error}", file=sys.stderr)
    print(f"{len(args.recordings) - failed} of {len(args.recordings)} recordings by "
          f"{args.workers} workers on {len(ray.nodes())} machine(s)", file=sys.stderr)
    return 3 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
