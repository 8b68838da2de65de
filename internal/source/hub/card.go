package hub

import (
	"context"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/transport"
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
func ReadCard(ctx context.Context, spec recipe.HuggingFace, o Options, c *transport.Client) (Card, error) {
	h, err := newHub(spec, o, c)
	if err != nil {
		return Card{}, err
	}
	info, err := h.info(ctx)
	if err != nil {
		return Card{}, err
	}
	card := Card{Revision: info.SHA, License: info.CardData.license()}
	for _, entry := range info.CardData.Configs {
		if entry.odd != "" {
			continue
		}
		config := CardConfig{Name: entry.name, Default: entry.isDefault || entry.name == defaultConfig}
		for _, split := range entry.splits {
			config.Splits = append(config.Splits, CardSplit{split.name, info.CardData.rowsOf(entry.name, split.name)})
		}
		card.Configs = append(card.Configs, config)
	}
	return card, nil
}

// license returns the repository's identifier of its license, several joined.
func (c cardData) license() string { return source.License(c.License...) }

// rowsOf returns the rows that a card counts; of a card with one configuration or none, the counts may name none.
func (c cardData) rowsOf(config, split string) int64 {
	if rows, ok := c.rows[[2]string{config, split}]; ok || len(c.Configs) > 1 {
		return rows
	}
	return c.rows[[2]string{"", split}]
}
