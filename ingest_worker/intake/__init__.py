"""The doors beside HTTP: RabbitMQ and watched folders."""
