"""Where `--llm SPEC` leads: to an OpenAI-compatible address, or to a provider's own client."""

from dataclasses import dataclass

from builder.errors import InputError
from builder.llm.address import has_address, is_local
from builder.llm.schemas import short

# Characters. Longer ones are no names, but something that was pasted.
_LONGEST = 200
OLLAMA_URL = "http://localhost:11434/v1"
# The providers that instructor 1.17 knows, apart from those that our own client speaks to.
PROVIDERS = frozenset(
    {
        "anthropic",
        "anyscale",
        "azure_openai",
        "bedrock",
        "cerebras",
        "cohere",
        "databricks",
        "deepseek",
        "fireworks",
        "gemini",
        "generative-ai",
        "google",
        "groq",
        "litellm",
        "mistral",
        "openrouter",
        "perplexity",
        "together",
        "vertexai",
        "writer",
        "xai",
    }
)


@dataclass(frozen=True, slots=True)
class Route:
    """`provider` None: `model` at `url`, else `model` by that provider's own client."""

    model: str
    url: str | None
    provider: str | None = None

    @property
    def local(self) -> bool:
        """Whether nothing leaves this machine, and nothing is charged."""
        return self.provider is None and is_local(self.url)


def route(spec: str, url: str | None) -> Route:
    """A prefix counts only where no address is given: OpenRouter's models have slashes too.

    Raises InputError for what names no model.
    """
    prefix, slash, model = spec.partition("/")
    if not (model if slash else prefix).strip() or not spec.isprintable() or len(spec) > _LONGEST:
        raise InputError(
            f"--llm {short(repr(spec), 60)} is no model name.",
            hint="Give the name as the endpoint knows it, for example gpt-4o or ollama/llama3.",
        )
    if has_address(url) or not slash:
        return Route(spec, url)
    if prefix == "openai":
        return Route(model, None)
    if prefix == "ollama":
        return Route(model, OLLAMA_URL)
    return Route(model, None, prefix) if prefix in PROVIDERS else Route(spec, None)
