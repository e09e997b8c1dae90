"""Checks rendered Kubernetes resources: by schema, by policy, and by the service's own `check`. Usage: check.py FILE"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import jsonschema
import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = '1.37'
OURS = ('traefik.io', 'gateway.networking.k8s.io', 'monitoring.coreos.com', 'external-secrets.io', 'bitnami.com', 'argoproj.io', 'helm.toolkit.fluxcd.io',
        'source.toolkit.fluxcd.io')
# the files of secrets; those that are keys and certificates `starts` makes
SECRETS = {'cache-secret': '0' * 40, 'login-secret': '1' * 40, 'redis-url': 'redis://user:password@redis:6379', 'redis-password': 'password', 'redis-sentinel-password': 'password',
           'webhook-secret': 'webhook-secret', 'management-token': '0123456789abcdef', 'events-tokens': 'wiki:' + '4' * 64, 'cache-secret-previous': '2' * 40,
           'webhook-secret-previous': 'the webhook secret before', 'login-secret-previous': '3' * 40}
METRICS = set(re.findall(r'^[|] `(forward_auth_[a-z_]+)`', (ROOT / 'docs/monitoring.md').read_text(), re.M))


def schema_of(doc):
    """The schema of a resource that Kubernetes itself does not know: of the project's CRD, or of what we write of it."""
    name = f"{doc['apiVersion'].replace('/', '.')}.{doc['kind']}.json"
    folders = [ROOT / 'test/fixtures/schemas', ROOT / 'test/deploy/schemas']
    found = [folder / name for folder in folders if (folder / name).exists()]
    if not found:
        raise ValueError(f'no schema for {name}')
    return json.loads(found[0].read_text())


def valid(doc):
    if doc['apiVersion'].split('/')[0] in OURS:
        jsonschema.validate(doc, schema_of(doc))
    else:
        kubernetes_validate.validate(doc, VERSION, strict=True)


def demand(condition, sentence):
    if not condition:
        raise ValueError(sentence)


def pod_rules(deployment):
    """The restricted Pod Security Standard, and what we demand beside it."""
    pod = deployment['spec']['template']['spec']
    strategy = deployment['spec']['strategy']
    security = pod['securityContext']
    demand(security['runAsNonRoot'] is True and security['runAsUser'] >= 10000, 'it must not run as root')
    demand(security['seccompProfile']['type'] == 'RuntimeDefault', 'seccomp must be RuntimeDefault')
    demand(pod['automountServiceAccountToken'] is False and pod['enableServiceLinks'] is False, 'no token, no injected variables')
    demand(not any(pod.get(name) for name in ('hostNetwork', 'hostPID', 'hostIPC')), 'nothing of the host')
    kinds = {'secret'} if is_service(deployment) else {'secret', 'persistentVolumeClaim'}
    demand(all(len(set(volume) & kinds) == 1 and len(volume) == 2 for volume in pod.get('volumes') or []), 'secrets, and the files of Redis, are the only volumes')
    for container in pod['containers']:
        container_rules(container)
    if not is_service(deployment):
        demand(deployment['spec']['replicas'] == 1 and strategy['type'] == 'Recreate', 'there is one Redis, never two beside each other')
        return
    demand({one['topologyKey'] for one in pod['topologySpreadConstraints']} == {'topology.kubernetes.io/zone', 'kubernetes.io/hostname'}, 'spread over zones and hosts')
    demand(strategy['rollingUpdate']['maxUnavailable'] == 0, 'a rollout takes no replica away first')


def is_service(deployment):
    return deployment['spec']['template']['spec']['containers'][0]['name'] == 'forward-auth'


def container_rules(container):
    security = container['securityContext']
    demand(security['allowPrivilegeEscalation'] is False and security.get('privileged', False) is False, 'no privilege')
    demand(security['readOnlyRootFilesystem'] is True, 'the root file system must be read-only')
    demand(security['capabilities'] == {'drop': ['ALL']}, 'no capability')
    demand(re.search(r'(:[^:/]+|@sha256:[0-9a-f]{64})$', container['image']) and not container['image'].endswith(':latest'), 'an image needs a tag, and not latest')
    demand({'cpu', 'memory'} <= set(container['resources']['limits']) and {'cpu', 'memory'} <= set(container['resources']['requests']), 'limits and requests')
    demand({'startupProbe', 'livenessProbe', 'readinessProbe'} <= set(container), 'three probes')
    demand(not any(re.search(r'(SECRET|PASSWORD|TOKEN)$', one['name']) for one in container.get('env', [])), 'secrets are files')


def network_rules(policy):
    demand(policy['spec']['policyTypes'] == ['Ingress', 'Egress'], 'both directions')
    demand(all(rule.get('from') for rule in policy['spec']['ingress'] or []), 'a rule without `from` lets everybody in')


def middleware_rules(middleware):
    demand(re.fullmatch('[a-z0-9]+', middleware['metadata']['name']), 'a name with a dash could be made by another namespace')
    if 'ipAllowList' in middleware['spec']:
        demand(middleware['spec']['ipAllowList'] == {'sourceRange': ['255.255.255.255/32'], 'rejectStatusCode': 400}, 'it refuses everybody')
        return
    auth = middleware['spec']['forwardAuth']
    taken = re.compile(auth['authResponseHeadersRegex'])
    demand(all(taken.match(name) for name in TRUSTED) and not taken.match('Cookie'), "the client's identity headers must go")
    demand('X-Forward-Auth-Policy' not in auth['authRequestHeaders'] and 'Cookie' in auth['authRequestHeaders'], 'what reaches the service is named')
    demand('insecureSkipVerify' not in auth.get('tls', {}), 'the certificate must be checked')
    demand(auth['address'].startswith('https:') == ('tls' in auth), 'https with a CA, or http without')


LOGIN = [{'type': 'Exact', 'value': f'/_auth/{route}'} for route in ('login', 'callback', 'logout', 'logged-out')]


# every name that an app may trust, of a generated file; as Go writes them before Traefik compares
TRUSTED = {name.title() for middleware in yaml.safe_load_all((ROOT / 'deploy/traefik-kubernetes/middlewares.yaml').read_text())
           for name in middleware['spec'].get('headers', {}).get('customRequestHeaders', {})}
assert {'X-Authgear-User-Id', 'X-Forward-Auth-Assertion'} <= TRUSTED


def route_rules(route):
    demand(route['spec']['hostnames'], 'host names')
    for rule in route['spec']['rules']:
        if 'filters' not in rule:
            demand([match['path'] for match in rule['matches']] == LOGIN, 'only the four exact paths of the login go without a policy')
            continue
        demand([one['type'] for one in rule['filters']] == ['ExtensionRef'], 'every rule carries its policy')
    refused, *others = route['spec']['rules']
    demand(refused['filters'][0]['extensionRef']['name'].endswith('refuse'), 'the first rule refuses what Traefik and an app may read differently')
    longest = max(len(match['path']['value']) for rule in others for match in rule['matches'])
    demand(all(len(match['path']['value']) > longest for match in refused['matches']), 'Traefik must try the refusing rule first')


def alert_rules(resource):
    expressions = [rule['expr'] for group in resource['spec']['groups'] for rule in group['rules']]
    unknown = {name for text in expressions for name in re.findall(r'forward_auth_[a-z_]+', text)}
    unknown = {name for name in unknown if name not in METRICS and re.sub(r'_(bucket|sum|count)$', '', name) not in METRICS}
    demand(not unknown, f'no such metrics: {unknown}')
    with tempfile.NamedTemporaryFile('w', suffix='.yaml') as file:
        yaml.safe_dump(resource['spec'], file)
        file.flush()
        run(['promtool', 'check', 'rules', file.name])


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    demand(done.returncode == 0, f'{command[0]} {command[-1]}: {done.stdout}{done.stderr}')


def starts(deployment, docs):
    """The service's own `check` takes the configuration, with files in the places of the mounts."""
    container = deployment['spec']['template']['spec']['containers'][0]
    name = container['envFrom'][0]['configMapRef']['name']
    data = [doc['data'] for doc in docs if doc['kind'] == 'ConfigMap' and doc['metadata']['name'] == name]
    with tempfile.TemporaryDirectory() as folder:
        for key, value in SECRETS.items():
            (pathlib.Path(folder) / key).write_text(value)
        run(['node', 'dist/main.js', 'cert', '--out', f'{folder}/tls', '--host', 'forward-auth'], cwd=ROOT)
        for key in ('authgear-ca', 'redis-ca'):
            shutil.copy(f'{folder}/tls/ca.crt', f'{folder}/{key}')
        run(['openssl', 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', f'{folder}/admin-api-key'])
        run(['openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', f'{folder}/assertion-key'])
        env = {one['name']: re.sub('^/(secrets|tls|redis)/', lambda at: f'{folder}/tls/' if at[1] == 'tls' else f'{folder}/', one['value']) for one in container['env']}
        # a ConfigMap of the user's own is not here
        env |= data[0] if data else {'AUTHGEAR_ENDPOINT': 'https://myapp.authgear.cloud', 'REDIS_URL': 'redis://redis:6379'}
        run([shutil.which('node'), 'dist/main.js', 'check'], cwd=ROOT, env={**env, 'PATH': '/usr/local/bin:/usr/bin:/bin'})


RULES = {'Deployment': pod_rules, 'NetworkPolicy': network_rules, 'Middleware': middleware_rules, 'HTTPRoute': route_rules, 'PrometheusRule': alert_rules}


def main(file):
    docs = [doc for doc in yaml.safe_load_all(pathlib.Path(file).read_text()) if doc]
    demand(any(doc['kind'] == 'Deployment' for doc in docs), 'no Deployment')
    for doc in docs:
        try:
            valid(doc)
            RULES.get(doc['kind'], lambda _: None)(doc)
            if doc['kind'] == 'Deployment' and is_service(doc):
                starts(doc, docs)
        except Exception as error:
            sys.exit(f"{doc['kind']} {doc['metadata']['name']}: {error}")


if __name__ == '__main__':
    main(sys.argv[1])
