# The studio for those who host it. Build it from the checkout: docker build -t ghostnote .
FROM python:3.12-slim AS build
WORKDIR /build
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src ./src
RUN python -m venv /opt/ghostnote \
    && /opt/ghostnote/bin/pip install --no-cache-dir --no-compile . \
    # Weights are for training on, which needs torch.
    && find /opt/ghostnote -name model.safetensors -delete

FROM python:3.12-slim
COPY --from=build /opt/ghostnote /opt/ghostnote
ENV PATH=/opt/ghostnote/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin ghostnote
USER 10001
EXPOSE 8808
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8808/api/v1/health', timeout=4)"]
# Without --token, one is made, and printed in the log.
ENTRYPOINT ["ghostnote", "serve", "--host", "0.0.0.0", "--port", "8808"]
