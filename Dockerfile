# Headrace with everything in it; docker-compose.yml says which process each container runs.
FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.lock pyproject.toml README.md ./
RUN pip install --no-cache-dir -r requirements.lock
COPY streams streams
COPY checkpoints checkpoints
COPY learners learners
COPY serving serving
COPY headrace headrace
RUN pip install --no-cache-dir --no-deps .
VOLUME /app/var
EXPOSE 8710
CMD ["headrace", "up", "--var", "/app/var"]
