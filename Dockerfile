# One image, both binaries: the manager runs by default, the Jobs run /worker. How they are built stands in the Makefile alone.
#
# The base images are named by tag, which a registry may move. Whoever releases names those of the day by digest as well:
#   --build-arg BASE=gcr.io/distroless/static-debian12:nonroot@sha256:… --build-arg GO=golang:1.26@sha256:…
ARG BASE=gcr.io/distroless/static-debian12:nonroot
ARG GO=golang:1.26

FROM --platform=$BUILDPLATFORM ${GO} AS build
ARG TARGETOS=linux TARGETARCH
# as VERSION of the Makefile: --build-arg VERSION=v1.2.3
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY Makefile ./
COPY api/ api/
COPY cmd/ cmd/
COPY config/crd/ config/crd/
COPY controllers/ controllers/
COPY internal/ internal/
COPY python/ python/
RUN GOOS=${TARGETOS} GOARCH=${TARGETARCH} make VERSION=${VERSION} /src/bin/manager /src/bin/worker

FROM ${BASE}
ARG VERSION=dev
LABEL org.opencontainers.image.version=${VERSION} org.opencontainers.image.licenses=Apache-2.0
COPY --from=build /src/bin/manager /src/bin/worker /
USER 65532:65532
ENTRYPOINT ["/manager"]
