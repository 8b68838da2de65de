# One image, both binaries: the manager runs by default, the Jobs run /worker.
ARG BASE=gcr.io/distroless/static-debian12:nonroot
ARG GO=golang:1.26

FROM --platform=$BUILDPLATFORM ${GO} AS build
ARG TARGETOS=linux TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY api/ api/
COPY cmd/ cmd/
COPY config/crd/ config/crd/
COPY controllers/ controllers/
COPY internal/ internal/
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -trimpath -ldflags "-s -w" -o /out/ ./cmd/manager ./cmd/worker

FROM ${BASE}
COPY --from=build /out/manager /out/worker /
USER 65532:65532
ENTRYPOINT ["/manager"]
