#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Checks documents, one on a line, against a JSON Schema.

usage: validate.py SCHEMA GOOD BAD: every document of GOOD must fit, none of BAD may."""

import json
import sys

import jsonschema


def main():
    schema_path, good_path, bad_path = sys.argv[1:]
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    validator_class = jsonschema.validators.validator_for(schema)
    validator_class.check_schema(schema)
    validator = validator_class(schema)
    failures = 0
    for path, wanted in (good_path, True), (bad_path, False):
        with open(path, encoding="utf-8") as file:
            documents = file.readlines()
        for document in documents:
            if validator.is_valid(json.loads(document)) != wanted:
                failures += 1
                print("rejected:" if wanted else "accepted:", document.strip()[:300])
        print(f"{len(documents)} documents {'accepted' if wanted else 'rejected'}")
        if not documents:
            failures += 1
    return 1 if failures else 0


sys.exit(main())
