// Package python holds what the programs take from the Python package beside it: the scorer that lies beside an export.
package python

import (
	"crypto/sha256"
	_ "embed" // for the scorer
	"encoding/hex"
)

// Rewards is datasetmix/rewards.py: the same bytes for trainers, for the evaluation and in every revision with an export of format RL. It is
// executed from where it lies, by whatever name, and imports nothing but the standard library.
//
//go:embed datasetmix/rewards.py
var Rewards []byte

// RewardsSHA256 returns the digest of Rewards, in hex.
func RewardsSHA256() string {
	sum := sha256.Sum256(Rewards)
	return hex.EncodeToString(sum[:])
}
