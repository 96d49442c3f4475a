"""The command of `make soak`: play ten years for each of many seeds, several at once."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from soak.simulation import YEARS, Result, play


def main(arguments: list[str]) -> int:
    """Exit code 0 where every seed holds, else 1."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="seeds at once")
    parser.add_argument("--verbose", action="store_true", help="play one after the other, and print every step")
    chosen = parser.parse_args(arguments)
    seeds, began, failed = range(chosen.first, chosen.first + chosen.seeds), time.perf_counter(), []
    counts: Counter[str] = Counter()
    played = 0
    for played, result in enumerate(_until_interrupted(_results(seeds, chosen.jobs, chosen.verbose)), 1):
        counts.update(result.counts)
        took = f"{played} of {len(seeds)}, {time.perf_counter() - began:,.0f} s"
        print(
            f"seed {result.seed}: {result.step} runs, {result.counts['builds']} builds, {result.digest} ({took})",
            flush=True,
        )
        if result.violation:
            failed.append(result.seed)
            print(
                f"FAILED: seed {result.seed}, step {result.step}: {result.violation}",
                *result.trace[-8:],
                sep="\n",
                flush=True,
            )
    events = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
    print(f"{played} seeds, {YEARS * played:,} years: {events}")
    if failed:
        print(f"{len(failed)} failed: {failed}. Replay one: make soak SEEDS=1 FIRST={failed[0]} ARGS=--verbose")
    return 1 if failed else 0


def _until_interrupted(results: Iterator[Result]) -> Iterator[Result]:
    """The results so far where Ctrl-C ends the command."""
    try:
        yield from results
    except KeyboardInterrupt:
        print("Interrupted.", flush=True)


def _results(seeds: range, jobs: int, verbose: bool) -> Iterator[Result]:
    if verbose:
        yield from (play(seed, print) for seed in seeds)
        return
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        for done in as_completed([pool.submit(play, seed) for seed in seeds]):
            yield done.result()
    finally:
        pool.shutdown(cancel_futures=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
