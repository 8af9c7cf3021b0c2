"""What a suite consists of: single GoogleTest tests and scripts, and how to judge their runs."""

import dataclasses
import os
import pathlib
import re
import subprocess

LIST_TIMEOUT = 60
SUITE_LINE = re.compile(r"(\S+\.)(\s+# TypeParam = .*)?")
TEST_LINE = re.compile(r"  (\S+)(\s+# GetParam\(\) = .*)?")


class TargetError(Exception):
    """A target that is no test, or one without tests."""


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    argv: tuple
    is_gtest: bool

    def complaint(self, status, output):
        """Why the run is a failure; empty if it is none."""
        if status:
            return f"signal {status - 128}" if status > 128 else f"exit status {status}"
        if not self.is_gtest or "[  PASSED  ] 1 test." in output:
            return ""
        if "[  SKIPPED ]" in output:
            return "skipped, which counts as a failure here"
        return "it did not run to its end"


def cases_of(target):
    path = pathlib.Path(target).absolute()
    if not path.is_file() or not os.access(path, os.X_OK):
        raise TargetError(f"{target} is not an executable file")
    if path.read_bytes()[:2] == b"#!":
        return [Case(path.name, (str(path),), is_gtest=False)]
    return [gtest_case(path, test) for test in enabled_tests(list_gtest(path))]


def sampled(found, every, turn):
    """Of the tests that differ in their last parameter only, each `every`th, and at least one."""
    groups = {}
    for case in found:
        groups.setdefault(case.name.rpartition("/")[0] or case.name, []).append(case)
    chosen = []
    for group in groups.values():
        step = min(every, len(group))
        chosen += group[turn % step :: step]
    return chosen


def gtest_case(path, test):
    pattern = re.sub("[:*-]", "?", test)  # these have a meaning in a filter
    argv = (str(path), f"--gtest_filter={pattern}", "--gtest_color=no")
    return Case(f"{path.name}:{test}", argv, is_gtest=True)


def list_gtest(path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GTEST_")}
    try:
        listing = subprocess.run(
            [path, "--gtest_list_tests"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=LIST_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise TargetError(f"{path} does not list its tests: {error}") from None
    tests = parse_listing(listing.stdout.decode(errors="replace"))
    if not tests:
        raise TargetError(f"{path} has no tests")
    return tests


def parse_listing(text):
    tests = []
    suite = ""
    for line in text.splitlines():
        if found := SUITE_LINE.fullmatch(line):
            suite = found[1]
        elif suite and (found := TEST_LINE.fullmatch(line)):
            tests.append(suite + found[1])
    return tests


def enabled_tests(tests):
    return [test for test in tests if not re.search(r"(^|[./])DISABLED_", test)]
