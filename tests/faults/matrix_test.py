#!/usr/bin/python3
"""The table of README.md is what is here: no row without a test, no test without a row."""

import os
import re
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)


def rows():
    with open(os.path.join(HERE, "README.md")) as file:
        return {cells[0]: re.findall(r"`([\w./]+)`", cells[3])
                for cells in ([cell.strip() for cell in line.strip().strip("|").split("|")] for line in file)
                if re.fullmatch(r"F\d+", cells[0])}


def classes(path):
    with open(path) as file:
        return re.findall(r"^class (?!With)(\w+)\(", file.read(), re.M)


class Matrix(unittest.TestCase):
    def test_every_row_is_there(self):
        self.assertEqual(list(rows()), [f"F{n}" for n in range(1, 28)])

    def test_no_row_without_a_test(self):
        for row, shown in rows().items():
            with self.subTest(row=row):
                self.assertTrue(shown)
                for one in shown:
                    path, _, name = one.rpartition(".")
                    if name in ("cpp", "mcp"):
                        self.assertTrue(os.path.isfile(os.path.join(TESTS, one)), one)
                    else:
                        self.assertIn(name, classes(os.path.join(TESTS, path + ".py")), one)

    def test_no_test_without_a_row(self):
        named = {one for shown in rows().values() for one in shown}
        for name in sorted(os.listdir(HERE)):
            if name.endswith("_test.py") and name != "matrix_test.py":
                for group in classes(os.path.join(HERE, name)):
                    self.assertIn(f"faults/{name[:-3]}.{group}", named)


if __name__ == "__main__":
    unittest.main()
