"""A mask from `reclmis serve`, with Python's standard library alone:

    reclmis serve models/qata --port 8000
    python segment.py http://127.0.0.1:8000 chest.png "One infected area in the upper left lung." mask.png

RECLMIS_TOKEN holds the server's token, if it asks for one. For research; not for diagnosis.
"""

import base64, json, os, sys, urllib.error, urllib.request, uuid


def segment(server: str, image: bytes, note: str) -> dict:
    """The answer of POST /segment as JSON, with the mask as PNG in `mask`."""
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name='
    body = f'{head}"note"\r\n\r\n{note}\r\n{head}"image"; filename="image"\r\n\r\n'.encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Accept": "application/json"}
    if token := os.environ.get("RECLMIS_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(f"{server}/segment?mask=1", body + image + f"\r\n--{boundary}--\r\n".encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return json.load(response)
    except urllib.error.HTTPError as refused:
        told = json.load(refused)
        sys.exit(f"{told['code']}: {told['error']}\n{told['remedy']}")


if __name__ == "__main__":
    server, image, note, out = sys.argv[1:]
    with open(image, "rb") as file:
        answer = segment(server, file.read(), note)
    with open(out, "wb") as file:
        file.write(base64.b64decode(answer["mask"]))
    print(f"{out}: {answer['width']} x {answer['height']}")
    for warning in answer["warnings"]:  # why the mask may be wrong
        print(warning["code"], warning["message"])
