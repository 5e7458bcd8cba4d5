# One image for every process; compose names the command. No secret is built in: all come by environment.
FROM python:3.11-slim AS build
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# The dependencies first, of an empty package: this layer stays until they change.
COPY pyproject.toml constraints.txt README.md ./
RUN mkdir -p scheduler_service migrations && touch scheduler_service/__init__.py \
    && pip install -c constraints.txt ".[flower]"
COPY scheduler_service scheduler_service
COPY migrations migrations
RUN pip install --no-deps --force-reinstall .

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 scheduler \
    && install -d -m 0700 -o scheduler -g scheduler /data
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 SCHEDULER_DATA_DIR=/data SCHEDULER_API_HOST=0.0.0.0
USER scheduler
WORKDIR /home/scheduler
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["scheduler-service"]
CMD ["--help"]
