package recipe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Digest returns the SHA-256, in hex, of the JSON of plain data, whose fields have one order: what keys are made of.
func Digest(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("recipe: plain data does not marshal: %v", err)) // only strings, integers and structs
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}
