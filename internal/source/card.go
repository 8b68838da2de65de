package source

import (
	"context"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Card is what a repository of a Hub says of itself.
type Card struct {
	// Revision is the commit that was asked for, or that of the default branch.
	Revision string
	// License is the repository's own identifier; empty where it names none.
	License string
	// Configs are the configurations that the card lists; none where it leaves the files to their names.
	Configs []CardConfig
}

// CardConfig is one configuration of a card.
type CardConfig struct {
	Name    string
	Default bool
	// Splits in the card's order; none where the files' names say which there are.
	Splits []CardSplit
}

// CardSplit is one split of a configuration, with the rows that the card counts; 0 is not known.
type CardSplit struct {
	Name string
	Rows int64
}

// ReadCard asks a Hub for the card of a repository. No file of it is read.
func ReadCard(ctx context.Context, spec recipe.HuggingFace, env Environment) (Card, error) {
	env, err := env.withDefaults()
	if err != nil {
		return Card{}, err
	}
	h, err := newHub(spec, env)
	if err != nil {
		return Card{}, err
	}
	info, err := h.info(ctx)
	if err != nil {
		return Card{}, err
	}
	card := Card{Revision: info.SHA, License: info.CardData.license()}
	for _, c := range info.CardData.configs() {
		if c.odd != "" {
			continue
		}
		config := CardConfig{Name: c.name, Default: c.isDefault || c.name == defaultConfig}
		for _, split := range c.splits {
			config.Splits = append(config.Splits, CardSplit{split.name, info.CardData.rowsOf(c.name, split.name)})
		}
		card.Configs = append(card.Configs, config)
	}
	return card, nil
}

// license is the repository's identifier of its license, several joined.
func (c cardData) license() string { return licence(c.License...) }

// rowsOf are the rows that a card counts; of a card with one configuration or none, the counts may name none.
func (c cardData) rowsOf(config, split string) int64 {
	if rows, ok := c.rows[[2]string{config, split}]; ok || len(c.Configs) > 1 {
		return rows
	}
	return c.rows[[2]string{"", split}]
}
