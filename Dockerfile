# One image for all of Headwater's programs; docker-compose.yml says which one a container runs.
# The full image compiles lz4, the one package that comes as source. The lock is complete: no-deps.
FROM python:3.11.14-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/headwater
COPY requirements/run.lock /src/requirements/run.lock
RUN /opt/headwater/bin/pip install --no-deps --require-hashes --only-binary :all: --no-binary lz4 \
        --requirement /src/requirements/run.lock \
    && /opt/headwater/bin/pip check
COPY . /src
RUN /opt/headwater/bin/pip install --no-deps /src

FROM python:3.11.14-slim-bookworm
RUN useradd --uid 10001 --home-dir /var/lib/headwater --create-home headwater \
    && install --directory --owner headwater --group headwater \
        /var/lib/headwater/dagster /var/lib/headwater/crm_drop
COPY --from=build /opt/headwater /opt/headwater
ENV PATH=/opt/headwater/bin:$PATH PYTHONUNBUFFERED=1 HEADWATER_HOME=/var/lib/headwater
WORKDIR /var/lib/headwater
USER 10001:10001
CMD ["headwater", "--help"]
