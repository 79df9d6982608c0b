# syntax=docker/dockerfile:1

# A static binary and the public certificate authorities, nothing else: no shell, no libc, no package manager.
# Pin both digests when you publish: `docker buildx imagetools inspect rust:1.95-slim-bookworm`.
FROM rust:1.95-slim-bookworm AS build

# aws-lc and SQLite are C. aws-lc's own build needs no more than a compiler on these targets.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev make cmake ca-certificates \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY src ./src
# Named in Cargo.toml, which cargo checks.
COPY benches ./benches
# What the binary includes at build time: presets and the demo's configuration.
COPY config ./config

# The target has to be named: with it, crt-static does not reach proc macros, which can't be static.
ARG TARGETARCH=amd64
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    set -eu; \
    case "$TARGETARCH" in \
        amd64) target=x86_64-unknown-linux-gnu ;; \
        arm64) target=aarch64-unknown-linux-gnu ;; \
        *) echo "no target for $TARGETARCH" >&2; exit 1 ;; \
    esac; \
    RUSTFLAGS="-C target-feature=+crt-static" \
        cargo build --release --locked --bin firstred --target "$target"; \
    install -D "target/$target/release/firstred" /root-of-image/firstred; \
    install -D /etc/ssl/certs/ca-certificates.crt /root-of-image/etc/ssl/certs/ca-certificates.crt; \
    install -d -o 65532 -g 65532 -m 0750 /root-of-image/var/lib/firstred; \
    install -d /root-of-image/etc/firstred

FROM scratch

COPY --from=build /root-of-image/ /
# Numbers, not names: there is no /etc/passwd, and Kubernetes' runAsNonRoot wants to see a number.
USER 65532:65532
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /var/lib/firstred
# The ledger: the only place that is written to, so that the root can be read-only.
VOLUME ["/var/lib/firstred"]
EXPOSE 8686
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 CMD ["/firstred", "healthcheck"]
ENTRYPOINT ["/firstred"]
CMD ["run", "--config", "/etc/firstred/firstred.toml"]
