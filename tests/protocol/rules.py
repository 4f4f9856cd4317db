#!/usr/bin/env python3
"""RULES.md: which rule of the specification of MCP is shown by which transcript. Made of rules.txt and of the headers of the
transcripts.

rules.py           writes the page
rules.py --check   says what is wrong: a MUST that nothing shows, a rule or test that is not there, a page that is out of date
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]
LEVELS = ["MUST", "SHOULD", "MAY"]


class Rule:
    def __init__(self, line):
        columns = [column.strip() for column in line.split("|")]
        self.name, self.revisions, self.section, self.level, self.sentence = columns[:5]
        self.test, _, self.words = columns[5].partition(": ") if len(columns) > 5 else ("", "", "")
        self.transcripts = []

    def known(self):
        """The revisions are of those that there are, in their order."""
        ends = self.revisions.split(" to ")
        places = [REVISIONS.index(end) for end in ends if end in REVISIONS]
        return self.revisions == "all" or (len(places) == len(ends) and places == sorted(set(places)))


    def is_of(self, revisions):
        """It binds in one of these revisions."""
        if self.revisions == "all":
            return True
        ends = self.revisions.split(" to ")
        return any(ends[0] <= one <= ends[-1] for one in revisions)


def revisions_of(path):
    """What a transcript speaks: the header's session, and what requests name."""
    return set(re.findall(r'(?:^session: |protocolVersion":")(\d{4}-\d\d-\d\d)', path.read_text(encoding="utf-8"), re.M))


def header_of(path):
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith(">"):
            return []
        if line.startswith("rules: "):
            return [name.strip() for name in line[len("rules: "):].split(",")]
    return []


def page(rules):
    shown = sum(1 for rule in rules if rule.transcripts or rule.test)
    musts = sum(1 for rule in rules if rule.level == "MUST")
    out = ["# The rules of MCP, and where each is shown", "",
           "Made by `rules.py` from `rules.txt` and the headers of the transcripts; `tests/update` writes it anew. What the",
           "official schemas say of the form of messages is checked of every line of every transcript, and not repeated here.", "",
           f"{len(rules)} rules, {musts} of them MUST, {shown} shown.", ""]
    for section in dict.fromkeys(rule.section for rule in rules):
        out += [f"## {section}", "", "| revisions | | rule | shown by |", "|---|---|---|---|"]
        for rule in (one for one in rules if one.section == section):
            links = [f"[{name}]({name}.mcp)" for name in rule.transcripts]
            if rule.test:
                links.append(f"[{pathlib.PurePath(rule.test).name}](../../{rule.test})")
            out.append(f"| {rule.revisions} | {rule.level} | {rule.sentence} | {', '.join(links) or 'nothing'} |")
        out.append("")
    return "\n".join(out)


def main():
    lines = (HERE / "rules.txt").read_text(encoding="utf-8").split("\n")
    rules = [Rule(line) for line in lines if line and not line.startswith("#")]
    named = {rule.name: rule for rule in rules}
    wrong = []
    if len(named) != len(rules):
        wrong.append("two rules have one name")
    for transcript in sorted(HERE.glob("*.mcp")):
        for name in header_of(transcript):
            if name not in named:
                wrong.append(f"{transcript.name}: there is no rule {name}")
            elif not named[name].is_of(revisions_of(transcript)):
                wrong.append(f"{transcript.name}: {name} does not bind what it speaks")
            else:
                named[name].transcripts.append(transcript.stem)
    for rule in rules:
        if rule.level not in LEVELS or not rule.known():
            wrong.append(f"{rule.name}: the level or the revisions are none")
        if rule.test and not ((ROOT / rule.test).exists() and rule.words in (ROOT / rule.test).read_text(encoding="utf-8")):
            wrong.append(f"{rule.name}: {rule.test} does not hold: {rule.words}")
        if rule.level == "MUST" and not rule.transcripts and not rule.test:
            wrong.append(f"{rule.name}: a MUST that nothing shows")
    text = page(rules)
    if "--check" not in sys.argv[1:]:
        (HERE / "RULES.md").write_text(text, encoding="utf-8")
    elif not (HERE / "RULES.md").exists() or (HERE / "RULES.md").read_text(encoding="utf-8") != text:
        wrong.append("RULES.md is out of date: run tests/update")
    print("\n".join(wrong) or f"{len(rules)} rules, nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
