"""The routes to which senders of alerts post."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Request
from pydantic import Field

from bot.observe.repeated import Repeated
from bot.oncall import alertmanager, pagerduty
from bot.oncall.alertmanager import AlertmanagerWebhook
from bot.oncall.delivery import Delivery
from bot.oncall.pagerduty import PagerDutyWebhook, is_signed
from bot.oncall.responder import accept
from bot.service import Service
from bot.store import StoreUnavailable
from bot.web.callers import needs
from bot.web.models import Reply
from bot.web.openapi import problems_with_body
from bot.web.problems import ProblemError
from bot.web.strict_json import JsonRoute

__all__ = ["ALERTMANAGER", "PAGERDUTY", "Accepted", "alert_routes"]

ALERTMANAGER = "/v1/alerts/alertmanager"
PAGERDUTY = "/v1/alerts/pagerduty"

_logger = logging.getLogger("acknet.oncall")

_RETRY_SECONDS = "5"


class Accepted(Reply):
    """What was posted is kept and will be worked on; ``alerts`` of it."""

    status: Literal["accepted", "ignored"] = "accepted"
    alerts: int = Field(ge=0)


def alert_routes(service: Service, wake: Callable[[], None]) -> APIRouter:
    """Return the routes; ``wake`` is called once something was put down."""
    router = APIRouter(route_class=JsonRoute)
    unsigned = Repeated(_logger)  # anybody can post one
    keys = [secret.get_secret_value() for secret in service.settings.pagerduty_secrets]

    async def signed(
        request: Request,
        signature: Annotated[
            str | None, Header(alias="X-PagerDuty-Signature", description="`v1=` and the HMAC-SHA256 of the body.")
        ] = None,
    ) -> None:
        if not is_signed(await request.body(), signature or "", keys):
            unsigned.warn("a webhook to %s does not bear a signature by a secret that is known", PAGERDUTY)
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED,
                "The signature in X-PagerDuty-Signature is not that of this body by a secret known here.",
                kind="bad-signature",
            )

    async def keep(delivery: Delivery, key: str) -> Accepted:
        try:
            await accept(service, delivery, key)
        except StoreUnavailable as error:
            service.metrics.store_failures.labels(error.reason).inc()
            raise ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The alerts cannot be kept now; send them again.",
                kind="not-kept",
                headers={"Retry-After": _RETRY_SECONDS},
            ) from error
        service.metrics.alerts.labels(delivery.source).inc(len(delivery.alerts))
        wake()
        return Accepted(alerts=len(delivery.alerts))

    @router.post(
        ALERTMANAGER,
        status_code=HTTPStatus.ACCEPTED,
        summary="Take alerts from Alertmanager",
        dependencies=[Depends(needs("alerts"))],
        responses=problems_with_body(),
    )
    async def take_alertmanager(body: AlertmanagerWebhook) -> Accepted:
        """Take the webhook of Alertmanager, version 4: one group of alerts is one incident.

        What is accepted is in the store and will be worked on, also after a crash.
        """
        # A repeat holds what the one before held: each delivery is one of its own.
        return await keep(alertmanager.read_webhook(body), f"alertmanager {secrets.token_hex(8)}")

    @router.post(
        PAGERDUTY,
        status_code=HTTPStatus.ACCEPTED,
        summary="Take webhooks from PagerDuty",
        responses=problems_with_body(),
        dependencies=[Depends(signed)],
    )
    async def take_pagerduty(body: PagerDutyWebhook) -> Accepted:
        """Take a webhook of PagerDuty, version 3, signed with one of the secrets in the settings.

        Its incident is one here as well; events that do not say that it is triggered or resolved are ignored.
        """
        delivery = pagerduty.read_webhook(body)
        if delivery is None:
            return Accepted(status="ignored", alerts=0)
        return await keep(delivery, f"pagerduty {body.event.id}")

    return router
