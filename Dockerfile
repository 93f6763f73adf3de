# One recipe for every image of the house: docker build --build-arg SERVICE=strategy .
# An image holds the locked dependencies and the code of its own service and nothing else, so that what a service may not
# do (the strategy: place an order) it cannot do. No secret is needed to build, and none is kept.
FROM python:3.13-slim AS code
ARG SERVICE
WORKDIR /app
COPY shared shared
COPY services services
COPY cli/__init__.py cli/embedded_redis.py cli/mail_sink.py cli/
RUN set -eu; \
    for room in services/*/; do [ "$room" = "services/$SERVICE/" ] || rm -r "$room"; done; \
    if [ "$SERVICE" != mailsink ]; then test -d "services/$SERVICE" || { echo "no service $SERVICE" >&2; exit 1; }; rm -r cli; fi; \
    chmod -R a+rX .

FROM python:3.13-slim
ARG SERVICE
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=/app HOME=/tmp \
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# /state is where a volume goes; a new one takes over whose it is.
RUN useradd --system --no-create-home --home-dir /tmp --shell /usr/sbin/nologin --uid 10001 alchemiser \
    && install -d -o 10001 /state
COPY requirements/${SERVICE}.lock /tmp/requirements.lock
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --quiet --require-hashes --only-binary :all: -r /tmp/requirements.lock && rm /tmp/requirements.lock
COPY --from=code /app /app
# The file system is read-only at run time: what would be compiled at every start is compiled here.
RUN python -m compileall -q /app
WORKDIR /tmp
USER 10001
ENV ALCHEMISER_SERVICE=${SERVICE}
CMD ["sh", "-c", "exec python -m services.$ALCHEMISER_SERVICE"]
