import json

from odoo import api, fields, models
from odoo.tools import SQL


class GuardFinding(models.Model):
    """Writing down what a run found, one finding per fault, and closing what went."""

    _inherit = "guard.finding"

    @api.model
    def _upsert(self, run, check, unit, rows):
        """Write the rows that ``check`` found in ``run``, one finding per fault.

        :return: the findings of these rows
        """
        if not rows:
            return self.browse()
        now = fields.Datetime.now()
        ids = [
            finding_id
            for (finding_id,) in self.env.execute_query(
                self._upsert_query(run, check, self._prepare_rows(unit, rows), now)
            )
        ]
        self.env.execute_query(
            SQL(
                """
                INSERT INTO guard_finding_guard_run_rel
                            (guard_run_id, guard_finding_id)
                     SELECT %s, UNNEST(%s::int[]) ON CONFLICT DO NOTHING
                  RETURNING 1
                """,
                run.id,
                ids,
            )
        )
        self.invalidate_model(flush=False)
        run.invalidate_recordset(["finding_ids"], flush=False)
        return self.browse(ids)

    def _prepare_rows(self, unit, rows):
        """One row per fingerprint: the last one wins."""
        by_fingerprint = {unit._fingerprint(row): row for row in rows}
        return [
            {**row, "fingerprint": fingerprint}
            for fingerprint, row in by_fingerprint.items()
        ]

    def _upsert_query(self, run, check, rows, now):
        return SQL(
            """
            INSERT INTO guard_finding AS finding (%(columns)s)
                 SELECT %(values)s
                   FROM jsonb_to_recordset(%(rows)s::jsonb) AS seen (
                            fingerprint text, company_id int, partner_id int,
                            account_id int, entry_id int, res_model text, res_id int,
                            field_name text, value_expected text, value_found text,
                            expected numeric, actual numeric, difference numeric,
                            explained numeric, unexplained numeric, causes jsonb,
                            cause_code text, is_expected boolean)
              LEFT JOIN res_partner partner ON partner.id = seen.partner_id
              LEFT JOIN account_account account ON account.id = seen.account_id
               ORDER BY seen.fingerprint
            ON CONFLICT (fingerprint) DO UPDATE SET %(updates)s
              RETURNING finding.id
            """,
            rows=json.dumps(rows, default=str),
            columns=SQL(", ").join(map(SQL.identifier, self._get_upsert_columns())),
            values=self._upsert_values(run, check, now),
            updates=self._upsert_updates(),
        )

    def _get_upsert_columns(self):
        seen = [
            *("fingerprint", "company_id", "res_model", "res_id", "field_name"),
            *("value_expected", "value_found", "expected", "actual", "difference"),
            *("explained", "unexplained", "causes", "cause_code", "is_expected"),
        ]
        return seen + [
            *("partner_id", "partner_key", "partner_name", "account_id", "entry_id"),
            *("state", "check_id", "last_run_id", "seen_count"),
            *("first_seen", "last_seen", "create_uid", "create_date"),
        ]

    def _upsert_values(self, run, check, now):
        return SQL(
            """
            seen.fingerprint, seen.company_id, seen.res_model, seen.res_id,
            seen.field_name, seen.value_expected, seen.value_found, seen.expected,
            seen.actual, seen.difference, seen.explained, seen.unexplained,
            seen.causes, seen.cause_code, seen.is_expected,
            partner.id, COALESCE(seen.partner_id, 0), partner.complete_name,
            account.id, seen.entry_id,
            CASE WHEN seen.is_expected THEN 'explained' ELSE 'open' END,
            %(check)s, %(run)s, 1, %(now)s, %(now)s, %(uid)s, %(now)s
            """,
            check=check.id,
            run=run.id,
            now=now,
            uid=self.env.uid,
        )

    def _upsert_updates(self):
        copied = [
            *("field_name", "value_expected", "value_found", "expected", "actual"),
            *("difference", "explained", "unexplained", "causes", "cause_code"),
            *("is_expected", "partner_id", "partner_name", "last_run_id", "last_seen"),
        ]
        updates = [
            SQL("%s = excluded.%s", SQL.identifier(name), SQL.identifier(name))
            for name in copied
        ]
        updates.append(SQL("seen_count = finding.seen_count + 1"))
        updates.append(SQL("state = %s", self._next_state()))
        updates.append(SQL("notified_at = %s", self._next_notified()))
        updates.append(SQL("closed_at = NULL"))
        return SQL(", ").join(updates)

    def _next_state(self):
        """State of a finding that is seen again; see also ``_close_vanished``."""
        return SQL(
            """
            CASE WHEN excluded.is_expected THEN
                    CASE finding.state WHEN 'accepted' THEN 'accepted'
                         ELSE 'explained' END
                 WHEN finding.state = 'accepted'
                      AND finding.difference = excluded.difference THEN 'accepted'
                 WHEN finding.state = 'open' THEN 'open'
                 WHEN finding.state = 'explained' THEN 'open'
                 ELSE 'reopened'
             END
            """
        )

    def _next_notified(self):
        """A finding that comes back is told again, one that stays is not."""
        return SQL(
            """
            CASE WHEN finding.state IN ('open', 'reopened') THEN finding.notified_at
                 WHEN finding.state = 'accepted'
                      AND finding.difference = excluded.difference
                      THEN finding.notified_at
             END
            """
        )

    def _close_vanished(self, check, scope):
        """Close the findings of ``check`` within ``scope`` that are not in ``self``."""
        rows = self.env.execute_query(
            SQL(
                """
                UPDATE guard_finding
                   SET state = 'healed', closed_at = %(now)s
                 WHERE check_id = %(check)s
                   AND state != 'healed'
                   AND %(companies)s
                   AND %(partners)s
                   AND NOT EXISTS (SELECT FROM UNNEST(%(seen)s::int[]) AS seen
                                    WHERE seen = guard_finding.id)
             RETURNING id
                """,
                now=fields.Datetime.now(),
                check=check.id,
                companies=scope.companies(SQL("company_id")),
                partners=scope.partners(SQL("NULLIF(partner_key, 0)")),
                seen=self.ids,
            )
        )
        closed = self.browse(finding_id for (finding_id,) in rows)
        closed.invalidate_recordset(flush=False)
        # The to-do goes with its reason, whoever it was given to.
        closed.sudo().activity_unlink(["balance_guard.activity_finding"])
        return closed
