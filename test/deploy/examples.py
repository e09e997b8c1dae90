"""Checks deploy/kubernetes/examples: each resource by its project's schema, and the chart with the values in it. Usage: examples.py HELM"""
import pathlib
import subprocess
import sys
import tempfile

import yaml

import check

EXAMPLES = check.ROOT / 'deploy/kubernetes/examples'


def values_of(doc):
    """The chart's values in a resource, or None."""
    if doc['kind'] == 'Application':
        return doc['spec']['source']['helm']['valuesObject']
    return doc['spec']['values'] if doc['kind'] == 'HelmRelease' else None


def keys_of(doc):
    """The Secret that a resource makes: its name and keys, or None."""
    if doc['kind'] == 'ExternalSecret':
        return doc['spec']['target']['name'], {one['secretKey'] for one in doc['spec']['data']}
    return (doc['metadata']['name'], set(doc['spec']['encryptedData'])) if doc['kind'] == 'SealedSecret' else None


def renders(helm, values):
    with tempfile.TemporaryDirectory() as folder:
        file, rendered = pathlib.Path(folder) / 'values.yaml', pathlib.Path(folder) / 'rendered.yaml'
        file.write_text(yaml.safe_dump(values))
        command = [helm, 'template', 'forward-auth', 'deploy/kubernetes/chart', '--namespace', 'auth', '--kube-version', '1.37.0', '-f', str(file)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=check.ROOT)
        check.demand(done.returncode == 0, done.stderr)
        rendered.write_text(done.stdout)
        check.main(rendered)


def main(helm):
    docs = [(file.name, doc) for file in sorted(EXAMPLES.glob('*.yaml')) for doc in yaml.safe_load_all(file.read_text())]
    for name, doc in docs:
        try:
            check.valid(doc)
        except Exception as error:
            sys.exit(f'{name}: {error}')
    values = [one for one in (values_of(doc) for _, doc in docs) if one]
    check.demand(len(values) == 2, 'two of the examples have values')
    for one in values:
        renders(helm, one)
    used = {(one['secret']['existing'], frozenset(one['secret']['keys'])) for one in values}
    made = {(name, frozenset(keys)) for name, keys in (keys_of(doc) for _, doc in docs if keys_of(doc))}
    check.demand(used == made, f'the Secrets that are made are not those that are used: {made}, {used}')


main(sys.argv[1])
