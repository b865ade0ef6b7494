"""What models cost, from the data that the package genai-prices brings along; never looked up."""

from builder.llm.address import endpoint, is_local
from builder.llm.cost import FREE, Price

# Prices rise with the length of a prompt at some providers; calls here stay far below that.
_TYPICAL = 1_000


def known_price(model: str, url: str | None, provider: str | None = None) -> Price | None:
    """US dollars for a million tokens; None where nobody knows. A server on this machine is free.

    `url`: the endpoint, as `address.endpoint` understands it. `provider`: instead of the url, as
    in "anthropic/claude-...". Discounts (cached input, batches) are left out: it is the most.
    """
    if provider is None and is_local(url):
        return FREE
    # Imported here: its data take a quarter of a second to load, and the package is not needed.
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    try:
        into, out = (
            calc_price(usage, model, provider_id=provider).total_price
            if provider is not None
            else calc_price(usage, model, provider_api_url=endpoint(url).geturl()).total_price
            for usage in (Usage(input_tokens=_TYPICAL), Usage(output_tokens=_TYPICAL))
        )
    except LookupError:
        return None
    return Price(float(into) * 1e6 / _TYPICAL, float(out) * 1e6 / _TYPICAL)
