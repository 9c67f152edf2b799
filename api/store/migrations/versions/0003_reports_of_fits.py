"""Reports of fits"""

from alembic import op
import sqlalchemy as sa

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("models", sa.Column("report", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("models", "report")
