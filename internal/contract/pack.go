package contract

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
)

// packedMessage is a message that would not fit as it is: a mix of many data sets reports on each. Numbers take less than half
// when they are packed, base64 included.
type packedMessage struct {
	Version string `json:"version"`
	// Packed is the whole message in DEFLATE.
	Packed []byte `json:"packed"`
}

// mostUnpacked is above the size of every message; what unpacks to more is not a message.
const mostUnpacked = 1 << 20

func pack(message []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(message); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return json.Marshal(packedMessage{MessageVersion, out.Bytes()})
}

// unpack returns the message in a packed one, and any other as it is.
func unpack(encoded []byte) ([]byte, error) {
	var p packedMessage
	if err := json.Unmarshal(encoded, &p); err != nil {
		return nil, fmt.Errorf("the termination message is not a result: %w", err)
	}
	if p.Packed == nil {
		return encoded, nil
	}
	message, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(p.Packed)), mostUnpacked+1))
	if err != nil {
		return nil, fmt.Errorf("unpack the result: %w", err)
	}
	if len(message) > mostUnpacked {
		return nil, fmt.Errorf("a result unpacks to more than %d bytes", mostUnpacked)
	}
	return message, nil
}
