"""Celery, any pool: celery -A celery_app worker --pool prefork."""

from celery import Celery

import tcp_probe.celery
from jobs import handle

app = Celery("app", broker="redis://localhost:6379")
app.conf.broker_transport_options = {"socket_timeout": 30}  # a silent broker is an error
tcp_probe.celery.listen(app, 9090, timeout=60)


@app.task
def work(job: str) -> None:
    """Do one job."""
    handle(job)
