"""Uses the client that PyPI has under the name thingspeak, as its documentation says: argv is the address and the feed as JSON."""

import json
import sys

import thingspeak

address, feed = sys.argv[1], json.loads(sys.argv[2])
channel = feed["channel"]

writing = thingspeak.Channel(id=channel, api_key=feed["write_key"], server_url=address)
first = json.loads(writing.update({"field1": 21.5, "field2": 40}))
assert (first["entry_id"], first["field1"], first["field3"]) == (1, "21.5", None), first
assert json.loads(writing.update({"field1": 22}))["entry_id"] == 2

reading = thingspeak.Channel(id=channel, api_key=feed["read_key"], server_url=address)
feeds = json.loads(reading.get({"results": 2}))
assert feeds["channel"]["id"] == channel and feeds["channel"]["last_entry_id"] == 2, feeds
assert [entry["field1"] for entry in feeds["feeds"]] == ["21.5", "22"], feeds
field = json.loads(reading.get_field(2, {"results": 2}))
assert [entry["field2"] for entry in field["feeds"]] == ["40", None], field
assert json.loads(reading.get_field_last(field=1))["field1"] == "22"
assert int(json.loads(reading.get_last_data_age(1))["last_data_age"]) < 60
assert json.loads(reading.view())["id"] == channel

text = thingspeak.Channel(id=channel, api_key=feed["read_key"], fmt="txt", server_url=address)
assert text.get_field_last(field=2) == "40"

wrong = thingspeak.Channel(id=channel, api_key="wrong", server_url=address)
for refused in (wrong.get, lambda: wrong.update({"field1": 1})):
    try:
        refused()
    except Exception as error:
        assert error.response.status_code == 400, error
    else:
        sys.exit("a wrong key was taken")
