#!/usr/bin/env python3
"""A Claude CLI that takes the first prompt and then exits with 0, without a result."""

from __future__ import annotations

import json
import sys

for line in sys.stdin:
    message = json.loads(line)
    if message["type"] != "control_request":
        break
    answer = {"subtype": "success", "request_id": message["request_id"], "response": {}}
    print(json.dumps({"type": "control_response", "response": answer}), flush=True)
