"""What Artifact Hub reads in a Chart.yaml on stdin: the images with their platforms, category, license, number of links."""
import sys

import yaml

chart = yaml.safe_load(sys.stdin)
notes = {name.removeprefix('artifacthub.io/'): value for name, value in chart['annotations'].items()}
images = yaml.safe_load(notes['images'])
links = [link['url'] for link in yaml.safe_load(notes['links']) if link['name'] and link['url'].startswith('https://')]
print(*[f"{one['image']} {','.join(one['platforms'])}" for one in images], notes['category'], notes['license'], len(links))
