# bertsum serve on a CPU, with the model `small`, which has its encoder in it: nothing is downloaded when it runs.
#
#   docker build -t bertsum .
#   docker run -p 8000:8000 bertsum
#   curl localhost:8000/summarize --json '{"documents": ["It rained. The council met."], "sentences": 1}'
#
# A model of your own: docker run -p 8000:8000 -v "$PWD/runs/mine/best:/model:ro" bertsum --model /model
# torch's tests, headers and tools are left out, for the sake of its size; all but the one that `import torch` looks for.
# The image was not built here: by the sizes of what is installed it has about 1.1 GB.

FROM python:3.11-slim AS build
COPY . /src
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu \
        -c /src/constraints.txt "/src[serve]" \
    && cd /venv/lib/python3.11/site-packages \
    && rm -rf torch/test torch/include pip pip-*.dist-info \
    && find torch/bin -type f ! -name torch_shm_manager -delete \
    && find . -name __pycache__ -prune -exec rm -rf {} +

FROM python:3.11-slim
COPY --from=build /venv /venv
RUN useradd --create-home bertsum
USER bertsum
ENV PATH=/venv/bin:$PATH HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://localhost:8000/health', timeout=5)"]
ENTRYPOINT ["bertsum", "serve", "--host", "0.0.0.0"]
