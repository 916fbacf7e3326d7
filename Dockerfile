# The image of rekey: one static binary, no shell, not root.
#
#   docker build -t rekey .                       compiles the clone
#   docker run --rm -e DATABASE_URL rekey plan --schema app
#
# A release sets BINARY=release and builds from the binaries in <os>/<arch>/.

ARG BINARY=clone
ARG GO_VERSION=1.26
ARG BASE=gcr.io/distroless/static-debian12:nonroot

FROM --platform=$BUILDPLATFORM golang:${GO_VERSION} AS clone
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w" -o /rekey ./cmd/rekey

FROM scratch AS release
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/rekey /rekey

FROM ${BINARY} AS binary

FROM ${BASE}
COPY --from=binary /rekey /usr/local/bin/rekey
USER nonroot:nonroot
ENTRYPOINT ["/usr/local/bin/rekey"]
