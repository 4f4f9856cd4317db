#!/usr/bin/python3
"""Writes transcripts of a given size, shaped like those of Claude Code, for measuring `import`.

    make_transcripts.py FOLDER MEGABYTES

The same arguments give the same bytes. About a tenth of the lines are counted, as in real ones; the rest are tool output,
snapshots and requests.
"""

import json
import os
import random
import sys
import time


def line(**members):
    return json.dumps(members, separators=(",", ":")) + "\n"


class Session:
    def __init__(self, dice, number):
        self.dice = dice
        self.name = f"{number:08x}-0000-4000-8000-000000000000"
        self.second = 1_770_000_000 + number * 5_000
        self.count = 0

    def head(self, kind):
        self.second += 1
        self.count += 1
        return {"parentUuid": f"u{self.count - 1}", "isSidechain": False, "type": kind, "uuid": f"{self.name}-{self.count}",
                "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(self.second)), "sessionId": self.name,
                "cwd": "/src/project", "version": "2.1.330", "gitBranch": "main", "userType": "external"}

    def text(self, low, high):
        words = "the value of line two is not what \"it\" was\\n\tin this file; see also: {a: [1, 2]}".split(" ")
        return " ".join(self.dice.choice(words) for _ in range(self.dice.randint(low, high)))

    def turn(self):
        message = f"msg_{self.name[:8]}{self.count}"
        usage = {"input_tokens": self.dice.randint(1, 50), "output_tokens": self.dice.randint(1, 4000),
                 "cache_read_input_tokens": self.dice.randint(0, 150_000), "cache_creation_input_tokens": 1200,
                 "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 200},
                 "service_tier": "standard", "speed": "standard"}

        def block(content):
            return line(**self.head("assistant"), requestId="req_" + message, message={
                "id": message, "type": "message", "role": "assistant", "model": "claude-opus-5-5", "content": [content],
                "stop_reason": "tool_use", "stop_sequence": None, "usage": usage})

        tool = "toolu_" + message
        yield block({"type": "thinking", "thinking": self.text(20, 200), "signature": "x" * 300})
        yield block({"type": "tool_use", "id": tool, "name": self.dice.choice(("Read", "Bash", "Edit", "Grep")),
                     "input": {"file_path": "/src/a.py", "content": self.text(5, 100)}})
        output = self.text(50, 1_500)
        yield line(**self.head("user"), promptId=f"p{self.count // 50}", message={"role": "user", "content": [
            {"tool_use_id": tool, "type": "tool_result", "content": output, "is_error": False}]},
            toolUseResult={"stdout": output, "stderr": "", "interrupted": False})
        yield line(type="api-request-blob", sessionId=self.name, hash="0" * 64, text=self.text(200, 2_000))
        if self.dice.random() < 0.2:
            yield line(type="file-history-snapshot", messageId=message, snapshot={"trackedFileBackups": {
                self.text(3, 3): {"version": 1} for _ in range(20)}})


def main():
    folder, size = sys.argv[1], int(sys.argv[2]) << 20
    dice, written, number = random.Random(1), 0, 0
    while written < size:
        session = Session(dice, number)
        number += 1
        path = os.path.join(folder, "projects", f"-src-project-{number % 7}", session.name + ".jsonl")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            for _ in range(dice.randint(5, 400)):
                for one in session.turn():
                    written += file.write(one)


if __name__ == "__main__":
    main()
