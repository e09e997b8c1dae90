"""One value of rendered resources as JSON; null where there is none. Usage: show.py FILE KIND[/NAME] PATH (spec.ports.0, or env.NAME of a list)"""
import json
import pathlib
import sys

import yaml


def step(value, name):
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and name.isdigit():
        return value[int(name)] if int(name) < len(value) else None
    return next((one for one in value or [] if one.get('name') == name), None)


def main(file, resource, path):
    kind, _, name = resource.partition('/')
    docs = [doc for doc in yaml.safe_load_all(pathlib.Path(file).read_text()) if doc and doc['kind'] == kind]
    found = next((doc for doc in docs if name in ('', doc['metadata']['name'])), None)
    for one in path.split('.'):
        found = step(found, one)
    print(json.dumps(found, separators=(',', ':'), sort_keys=True))


main(*sys.argv[1:])
