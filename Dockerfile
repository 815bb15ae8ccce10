# One image for the web process and the ingest worker; compose.yaml says which is which.
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 ENVIRONMENT=production DATA_DIR=/data HOST=0.0.0.0

RUN useradd --create-home --uid 10001 archive && install --directory --owner=archive /data
WORKDIR /archive
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .

USER archive
VOLUME /data
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/', timeout=3)"]
# WEB_CONCURRENCY says how many processes; gunicorn.conf.py has the rest.
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--access-logfile", "-"]
