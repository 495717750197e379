"""Nebius' token service: lets calls through that carry a token if one belongs there, and none if not."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping

import jwts
from serving import Call, Method

import grpc
from google.protobuf.message import Message
from nebius.api.nebius.iam.v1.token_service_pb2 import CreateTokenResponse, ExchangeTokenRequest

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
TOKEN_TYPE = 'urn:ietf:params:oauth:token-type'


def guarded(methods: Mapping[str, Method], account: Mapping[str, str]) -> dict[str, Method]:
    """The methods for calls with a token, and Exchange, which gives one for a JWT of the account's key."""
    tokens: set[str] = set()

    def exchange(request: ExchangeTokenRequest, call: Call) -> Message:
        if 'authorization' in call.headers:
            call.refuse(UNAUTHENTICATED, 'No token belongs here')
        problem = request_problem(request) or jwt_problem(request.subject_token, account)
        if problem:
            call.refuse(UNAUTHENTICATED, f'The JWT is refused: {problem}')
        token = f'ne1C{secrets.token_urlsafe(150)}.{secrets.token_urlsafe(64)}'
        tokens.add(token)
        return CreateTokenResponse(
            access_token=token, issued_token_type=f'{TOKEN_TYPE}:access_token', token_type='Bearer', expires_in=43_200
        )

    def guard(reply: Callable[[Message, Call], Message | bytes]) -> Callable[[Message, Call], Message | bytes]:
        def guarded_reply(request: Message, call: Call) -> Message | bytes:
            if call.headers.get('authorization') not in {f'Bearer {token}' for token in tokens}:
                call.refuse(UNAUTHENTICATED, 'The token is invalid')
            return reply(request, call)

        return guarded_reply

    result: dict[str, Method] = {path: (request, guard(reply)) for path, (request, reply) in methods.items()}
    result['/nebius.iam.v1.TokenExchangeService/Exchange'] = (ExchangeTokenRequest, exchange)
    return result


def request_problem(request: ExchangeTokenRequest) -> str | None:
    types = (request.grant_type, request.requested_token_type, request.subject_token_type)
    expected = (
        'urn:ietf:params:oauth:grant-type:token-exchange',
        f'{TOKEN_TYPE}:access_token',
        f'{TOKEN_TYPE}:jwt',
    )
    return None if types == expected else f'types {types}'


def jwt_problem(jwt: str, account: Mapping[str, str]) -> str | None:
    header, claims, signed, signature = jwts.parts(jwt)
    if (header['alg'], header['kid']) != ('RS256', account['id']):
        return f'header {header}'
    expected = (account['service_account_id'], account['service_account_id'], account['audience'])
    if (claims['iss'], claims['sub'], claims['aud']) != expected:
        return f'claims {claims}'
    if not claims['iat'] <= time.time() < claims['exp'] <= claims['iat'] + 300:
        return f"iat {claims['iat']}, exp {claims['exp']}"
    return None if jwts.is_pkcs1(signed, signature, *jwts.public_key(account)) else 'the signature is wrong'
