"""The secret of each key"""

from alembic import op
import sqlalchemy as sa

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("pepper", sa.String(length=16), nullable=True))


def downgrade() -> None:
    op.drop_column("api_keys", "pepper")
