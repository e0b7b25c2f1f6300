#!/usr/bin/env python3
"""Weekly soil moisture report for one farm.

Reads the hourly packets that a Heron gateway writes (one JSON object per
line), turns raw counts into volumetric water content with the curve of the
soil class, and prints one line per node: mean, minimum, hours below the dry
limit and the share of readings that arrived.

Usage:
    python3 moisture_report.py packets.jsonl --soil "silt loam" --days 7

A packet looks like this:
    {"node": "LN-03", "time": "2026-06-22T06:00:00", "raw": [512, 511, 509]}

The three raw counts are 20 minutes apart and the time is that of the first.
"""

import argparse
import json
import statistics
import sys
from collections import defaultdict
from datetime import datetime, timedelta

READINGS_PER_HOUR = 3

# Slope and offset per soil class: water content = slope * raw + offset.
# From the second calibration campaign; raw counts fall as the soil gets wetter.
CURVES = {
    "sandy loam": (-0.00074, 0.561),
    "silt loam": (-0.00081, 0.628),
    "clay": (-0.00097, 0.774),
}

# Below this water content the crop is considered thirsty (m3 per m3).
DRY_LIMIT = {"sandy loam": 0.12, "silt loam": 0.16, "clay": 0.22}

# Counts outside this range mean that the probe is in the air or the cable is broken.
RAW_MIN, RAW_MAX = 210, 790


def water_content(raw, soil):
    """Return volumetric water content for a raw count, or None if implausible."""
    if not RAW_MIN <= raw <= RAW_MAX:
        return None
    slope, offset = CURVES[soil]
    return max(0.0, slope * raw + offset)


def read_packets(lines):
    """Yield (node, time, raw) for every single reading, skipping broken lines.

    A truncated last line is normal when the gateway lost power, so it is
    reported on stderr and ignored.
    """
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line:
            continue
        try:
            packet = json.loads(line)
            start = datetime.fromisoformat(packet["time"])
            node, counts = packet["node"], packet["raw"]
        except (ValueError, KeyError) as error:
            print(f"line {number}: ignored ({error})", file=sys.stderr)
            continue
        for index, raw in enumerate(counts):
            yield node, start + timedelta(minutes=20 * index), raw


def summarise(readings, soil, days):
    """Group the readings of the last `days` days by node and compute the figures."""
    readings = list(readings)
    if not readings:
        return {}
    newest = max(time for _, time, _ in readings)
    oldest = newest - timedelta(days=days)
    by_node = defaultdict(list)
    for node, time, raw in readings:
        value = water_content(raw, soil)
        if time > oldest and value is not None:
            by_node[node].append(value)
    expected = days * 24 * READINGS_PER_HOUR
    limit = DRY_LIMIT[soil]
    return {
        node: {
            "mean": statistics.fmean(values),
            "minimum": min(values),
            "dry_hours": sum(v < limit for v in values) / READINGS_PER_HOUR,
            "arrived": len(values) / expected,
        }
        for node, values in by_node.items()
    }


def main():
    """Parse the command line, print the table, return 1 if any node needs a visit.

    A node needs a visit when fewer than 60% of its readings arrived.
    """
    parser = argparse.ArgumentParser(description="Weekly soil moisture report")
    parser.add_argument("file", type=argparse.FileType("r", encoding="utf-8"))
    parser.add_argument("--soil", choices=sorted(CURVES), default="silt loam")
    parser.add_argument("--days", type=int, default=7)
    options = parser.parse_args()

    table = summarise(read_packets(options.file), options.soil, options.days)
    needs_visit = False
    for node in sorted(table):
        row = table[node]
        flag = "  <- visit" if row["arrived"] < 0.60 else ""
        needs_visit = needs_visit or bool(flag)
        print(f"{node:8} mean {row['mean']:.3f}  min {row['minimum']:.3f}  "
              f"dry {row['dry_hours']:5.1f} h  arrived {row['arrived']:4.0%}{flag}")
    return 1 if needs_visit else 0


if __name__ == "__main__":
    sys.exit(main())
