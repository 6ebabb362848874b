#!/bin/sh
# Installs Rust in the images in which cibuildwheel builds, because theirs is too old.
set -eu
curl --proto '=https' --tlsv1.2 --silent --show-error --fail https://sh.rustup.rs |
    sh -s -- -y --profile minimal --default-toolchain stable
