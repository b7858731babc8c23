"""What a far store of files says went wrong, in words that name the next command. Pure: an exception in, an error out.

Their libraries need not be installed: exceptions are told apart by the names of their classes.
"""

from __future__ import annotations

from collections.abc import Collection

from checkpoints.errors import PlaceError

EXTRAS = {
    "s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "abfs": "azure", "abfss": "azure", "az": "azure", "adl": "azure"
}  # fmt: skip
"""Extras of our wheel by protocol."""
CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile of ~/.aws",
    "gcs": "GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default login`",
    "azure": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
DENIED = {
    "PermissionError", "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "RefreshError",
    "DefaultCredentialsError", "TokenRetrievalError", "ClientAuthenticationError", "NoAuthInCredentialsError",
    "ProfileNotFound",
}  # fmt: skip
UNREACHED = {
    "ConnectionError", "TimeoutError", "gaierror", "EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError",
    "ClientConnectorError", "ClientConnectionError", "ServerDisconnectedError", "ServiceRequestError", "FSTimeoutError",
}  # fmt: skip


def protocol_of(url: str) -> str:
    """The protocol of a url.

    >>> protocol_of("s3://bucket/versions")
    's3'
    """
    return url.partition("://")[0]


def unknown_protocol(url: str, error: Exception, known: Collection[str]) -> PlaceError:
    """Why a url can't be opened at all.

    >>> str(unknown_protocol("s3://b/v", ImportError("Install s3fs"), ["s3"])).partition("Install it: ")[2]
    "pip install 'headrace[s3]'"
    """
    protocol = protocol_of(url)
    if isinstance(error, ImportError):
        extra = EXTRAS.get(protocol)
        how = f"pip install 'headrace[{extra}]'" if extra else "pip install the package that it names"
        return PlaceError(
            f"the versions shall lie at {url}, but what speaks {protocol} is not installed ({error}). Install it: {how}"
        )
    if protocol not in known:
        told = ", ".join(sorted({"s3", "gs", "abfs", "file", *EXTRAS} & {*known}))
        return PlaceError(f"{url} is of no kind that fsspec knows. Use a folder, or one of {told}: [store] versions")
    return PlaceError(f"{url} can't be opened: {error}. Look at [store] versions and [store.options]")


def told_of(url: str, error: Exception) -> PlaceError:
    """Why a place could not be used.

    >>> str(told_of("s3://b/v", PermissionError("Access Denied"))).partition(". ")[0]
    's3://b/v refuses us (PermissionError: Access Denied)'
    """
    if isinstance(error, PlaceError):
        return error
    names = {one.__name__ for one in type(error).__mro__}
    said = f"{type(error).__name__}: {error}"
    if names & DENIED:
        where = CREDENTIALS.get(EXTRAS.get(protocol_of(url), ""), "see the provider's documents")
        return PlaceError(
            f"{url} refuses us ({said}). Look at the credentials ({where}) and at what they may do there: list, read, "
            "write, delete"
        )
    if names & UNREACHED:
        return PlaceError(
            f"{url} does not answer ({said}). Look at the network and at `endpoint_url` in [store.options]; what was "
            "learned meanwhile is committed once it answers again"
        )
    if isinstance(error, FileNotFoundError):
        return PlaceError(f"{url} is not there ({said}). Make the bucket first, or name another: [store] versions")
    return PlaceError(f"{url} could not be used ({said}). Look at [store] versions and [store.options]")
