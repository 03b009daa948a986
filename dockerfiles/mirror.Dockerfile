# What a mirror keeps so that an image can be built where no Debian mirror can be reached: its base with Python, and
# what packages are built on. In place of the base they change nothing in an image but where Python came from.
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS system
RUN python3 -c "" 2>/dev/null || { \
      apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 && \
      rm -rf /var/lib/apt/lists/*; }

FROM system AS tools
ARG PACKAGES=python3-venv
RUN dpkg -s ${PACKAGES} >/dev/null 2>&1 || { \
      apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${PACKAGES} && \
      rm -rf /var/lib/apt/lists/*; }
