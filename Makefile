# The commands of Gangway. Each one sets up what it needs first; that costs nothing where all is there.
.PHONY: build dev demo test contract stories-postgres test-windows bench lint fmt fuzz help

help:            ## show this
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

build:           ## both binaries, with the panel inside, in target/release/
	@scripts/setup build
	@scripts/build release

dev:             ## the browser's half of the panel built anew in seconds whenever its source changes
	@scripts/setup build
	@scripts/with-tools trunk watch --release=false

demo:            ## a server, and a device that shows a code in this terminal
	@scripts/setup build
	@scripts/demo

test:            ## the tests: units, SQLite, PostgreSQL, command line, browser
	@scripts/setup build test
	@scripts/test

stories-postgres: ## the stories in the browser once more, with the server on PostgreSQL
	@scripts/setup build test
	@scripts/stories-postgres

test-windows:    ## the device software for Windows, enrolled under wine
	@scripts/setup build windows
	@scripts/test-windows

contract:        ## the API asked at length what its description allows and forbids, on SQLite and PostgreSQL
	@scripts/setup build test
	@scripts/contract

bench:           ## figures in a table and in target/bench.json
	@scripts/setup build test bench
	@scripts/bench

lint:            ## formatting, clippy, rustdoc, licences, dependencies and their directions
	@scripts/setup build lint
	@scripts/lint

fmt:             ## format the source
	@scripts/with-tools cargo fmt --all

fuzz:            ## each fuzz target for a bounded time
	@scripts/setup build fuzz
	@scripts/fuzz
